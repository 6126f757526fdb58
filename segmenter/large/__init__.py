"""Images larger than memory: read, predicted and written in parts, with their place on the map.

`predict` is the entry; `images` reads arrays and GeoTIFF, `blocks` predicts in blocks, `geotiff` writes masks and
polygons, and `gdal` opens the files of both.
"""
