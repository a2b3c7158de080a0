"""Finding references: lexical search now; libraries, embedders and retrievers build on it."""
