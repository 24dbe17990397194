"""The keyword model and the lexicon that it reads."""
