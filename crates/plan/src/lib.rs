//! What to do with each record: pure, without IO, clock or chance.
