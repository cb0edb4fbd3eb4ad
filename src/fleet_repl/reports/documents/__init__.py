"""Plans and reports as JSON documents, and back.

The law of this package: a value that is read from a document has the same document again, byte for
byte, so that a plan can be kept, carried out later and compared by its digest. Pure.
"""
