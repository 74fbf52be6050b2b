#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmlinux.py BZIMAGE VMLINUX: the kernel that a bzImage carries, as the ELF file that Xen boots.

Xen can unpack a bzImage itself, but spends seconds on it in emulation, at the boot and again for every guest. What the
loaders do not read, the section table and zeros at the end, is left out for the same reason.
"""
import lzma
import struct
import subprocess
import sys

with open(sys.argv[1], 'rb') as file:
    image = file.read()
if image[0x202:0x206] != b'HdrS':
    sys.exit(sys.argv[1] + ': not a bzImage')
# Documentation/x86/boot.rst: setup_sects, payload_offset and payload_length
start = ((image[0x1f1] or 4) + 1) * 512
offset, length = struct.unpack_from('<II', image, 0x248)
packed = image[start + offset:start + offset + length]
if packed[:4] == b'\x28\xb5\x2f\xfd':
    # Behind it is the size, which zstd would take for more data
    kernel = bytearray(subprocess.run(['zstd', '-dc'], input=packed[:-4], stdout=subprocess.PIPE, check=True).stdout)
elif packed[:6] == b'\xfd7zXZ\0':
    kernel = bytearray(lzma.LZMADecompressor().decompress(packed))
else:
    sys.exit(sys.argv[1] + ': packed in another way than zstd or xz')
if kernel[:5] != b'\x7fELF\x02':
    sys.exit(sys.argv[1] + ': holds no 64 bit ELF file')

PT_LOAD, PHDR_FILESZ = 1, 32
phoff, = struct.unpack_from('<Q', kernel, 32)
phentsize, phnum = struct.unpack_from('<HH', kernel, 54)
last = (0, 0, 0)  # segment in the file: its offset, its size, where its header is
for header in range(phoff, phoff + phnum * phentsize, phentsize):
    if struct.unpack_from('<I', kernel, header)[0] == PT_LOAD:
        at, = struct.unpack_from('<Q', kernel, header + 8)
        size, = struct.unpack_from('<Q', kernel, header + PHDR_FILESZ)
        last = max(last, (at, size, header))
at, size, header = last
size = (len(bytes(kernel[at:at + size]).rstrip(b'\0')) + 4095) & ~4095
struct.pack_into('<Q', kernel, header + PHDR_FILESZ, size)
struct.pack_into('<Q', kernel, 40, 0)
struct.pack_into('<HHH', kernel, 58, 0, 0, 0)
with open(sys.argv[2], 'wb') as file:
    file.write(kernel[:at + size])
