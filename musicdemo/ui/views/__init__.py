"""The rooms of the page: one script each, run by st.navigation."""
