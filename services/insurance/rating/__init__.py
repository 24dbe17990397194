"""Prices as pure functions of a tariff and inputs: Decimal only, with the calculation written down step by step."""
