"""What fits a person, and at what price: products as data, rating, eligibility, suitability and ranked offers."""
