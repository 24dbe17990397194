"""Who someone is: events, declared facts, consents, features and segments."""
