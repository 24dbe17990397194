"""The knowledge base: documents cut into passages, searched by words and by embeddings, quoted with their source."""
