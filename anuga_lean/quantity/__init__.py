"""Holds a quantity of a domain: centroid values, and how all other values follow from them.

quantity       ANUGA's Quantity, compact    compact      which arrays it keeps, and when
forms          values that are computed from less than an array
views          edge and vertex values, gradients, that are computed when they are read
filling        centroid values that are filled when they are read
integral       over the domain              setting      set_values
from_function, from_raster   values for set_values, a part of the mesh at a time
kernel_calls   calls of ANUGA's compiled functions with a lean quantity
"""
