"""The provider ``openai``: OpenAI's image and text models, and servers that speak its API."""
