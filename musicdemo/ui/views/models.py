"""Models: what each network is, how well it predicts, and how it sounds."""

from musicdemo.ui.models_page.page import models_page
from musicdemo.ui.visit import current_visit

models_page(current_visit())
