"""Parts of scripts/make_onnx_fixtures.py."""
