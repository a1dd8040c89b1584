"""What a face and a head are, for any look: their mesh, parts, skin, light and matte."""
