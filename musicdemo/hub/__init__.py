"""Files from the Hugging Face Hub: from OWNER/NAME[@REVISION] to a folder; what the files mean is not known here."""
