"""The server: the Streamlit page, the addresses of pieces, and the work done before the first visitor comes."""

from pathlib import Path

import streamlit as st

from musicdemo.ui.server import lifespan, routes

app = st.App(Path(__file__).parent / "musicdemo" / "ui" / "main.py", routes=routes(), lifespan=lifespan)

if __name__ == "__main__":
    app.run()
