"""What draws: lines, flats, palettes and brushes."""
