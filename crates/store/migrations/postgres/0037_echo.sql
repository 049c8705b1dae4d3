-- Echoes, to be counted.
CREATE INDEX request_echo ON request (connector, id) WHERE echo = 1;
