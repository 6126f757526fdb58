"""The program that the reader of the course ends up with: `python -m segmenter --help`.

It is made of what the nine notebooks build (`utils`), and adds what no notebook teaches line by line: the check of a
data set, the test report, exports, the Hub, the app, images larger than memory, shards, and comparisons.
"""
