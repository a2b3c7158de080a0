"""Google's image, text and video models: the Gemini Developer API (``gemini``) and its Enterprise mode (``vertex``)."""
