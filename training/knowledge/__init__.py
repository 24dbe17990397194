"""How well the knowledge base is searched: recall and no-answer on questions, and the ranking's weights fitted to them."""
