"""Other servers of the same model file, in an environment of their own, and the file with no server at all."""
