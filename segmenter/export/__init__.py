"""Models that run without this course: torch.export programs and ONNX files, checked against the original (notebook 9).

`writers` has the two exports, `tracing` records what a model computes, `verification` compares a file with the model,
`onnx_files` uses and scores ONNX files, and `quantization` makes them smaller.
"""

from segmenter.export.writers import export_onnx, export_program

__all__ = ["export_onnx", "export_program"]
