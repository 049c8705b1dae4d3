//! Carries out what the plan decides: lease, order, batches, quota, retries.
