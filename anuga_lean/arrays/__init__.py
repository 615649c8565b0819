"""Provides array-likes, arrays in parts, sums and the census; knows no mesh and no physics.

view          an object that acts as a numpy array and computes what is asked for
memory        who gets such an object's computed values, and who a real array
picked        its rows, slices and flat elements, which write through to it
written       into which of their arguments numpy's functions write
pairwise_sum  numpy's sum of a long array that never exists as a whole
parts         an array that is had a part at a time and never as a whole
census        the arrays that an object holds, by owner
stock_arrays  what runs on ANUGA's own arrays, and a decorator for it
signatures    methods that show the signature and the text of those they override
"""
