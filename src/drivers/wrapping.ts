/** What the bytes of a backup are compressed or encrypted with. */
export type Wrapping = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'gpg' | 'age' | 'openssl'
