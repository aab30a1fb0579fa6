"""The page and the server around it; Streamlit lives here and in app.py only."""
