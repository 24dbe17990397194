"""Customer service: conversations, answers from approved texts and a knowledge base, forms, hand-offs to people."""
