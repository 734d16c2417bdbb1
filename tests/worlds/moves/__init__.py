"""The moves of a history: what the user, others and accidents do, as plain data.

Each move can be made in any world, so a history is still one when any of its moves are left out.
"""
