"""Images: any 8-band TIFF in, statistics and normalisation, cloud-optimised GeoTIFF out."""
