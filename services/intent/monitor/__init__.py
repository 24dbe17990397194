"""Opinion monitoring: documents in, hourly series by topic, surges of the negative, alerts, and their delivery."""
