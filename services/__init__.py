"""The five services. A regular package on purpose: as a namespace, `services/profile` would shadow the stdlib module `profile`."""
