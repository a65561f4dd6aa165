PARAMETERS={}
UNNAMED=frozenset()
