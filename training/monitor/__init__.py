"""Opinion monitoring away from the service: simulated streams with known surges, its evaluation, replays of files."""
