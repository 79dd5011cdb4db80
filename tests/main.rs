//! Black-box tests of the program.
