"""How long a run would take on ranks that are not here, and why.

`counts` says what a rank has to do in a window, `machine` what each thing
costs, `fit` measures that, and `scaling` puts them together.  The formulae
stand in docs/prediction.md.
"""
