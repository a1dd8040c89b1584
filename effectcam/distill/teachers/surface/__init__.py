"""What a face is covered with: skins, stone, metal and paint, and the eyes that go with them."""
