"""How late the picture is: stamped frames through the whole of a live run, and back."""
