"""Images: any 8-band TIFF in, statistics and normalisation, cloud-optimised GeoTIFF out."""

import warnings

# Images without georeference are usual here, so rasterio need not warn of each one that this package opens.
warnings.filterwarnings("ignore", message="Dataset has no geotransform", module=r"suelo\.imagery\.")
