"""Routes by subject: each says what is done, and with which scope."""
