"""A piece outside the studio: the files it can be taken away as, and its own page, which needs no Streamlit."""
