"""intent: what someone wants, in Chinese and English."""
