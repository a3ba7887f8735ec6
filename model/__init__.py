"""The model of Liaoning: households, firms, city governments, and the policies that reach them."""

from model.compilation import use_content_addressed_cache

use_content_addressed_cache()
