"""`python -m musicdemo`: the command line."""

from musicdemo.cli.main import run_program

if __name__ == "__main__":
    run_program()
