-- The PostgreSQL migration of the same number is the same.

-- Requests are pruned with what they mention, and stay as long as a review of theirs is open.
CREATE INDEX mention_request ON mention (request);
CREATE INDEX review_request ON review (request);
