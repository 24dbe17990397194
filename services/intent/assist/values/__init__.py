"""What people write for an age, a date, an amount, a region, a kind of insurance or an order, in Chinese and English. Pure."""
