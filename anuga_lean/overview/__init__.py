"""Shows a study, finished or not, as one HTML page.

known     what the folder of a study says           against   results against parameters
picture   the page: ends, results, memory, what was learned, packing

Studies are in studies/, the parts of a page and how they look in measure/page/.
"""
