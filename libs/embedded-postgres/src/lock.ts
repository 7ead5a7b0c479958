/** Somebody else holds this data directory. */
export class DataDirectoryLocked extends Error {
  override readonly name = 'DataDirectoryLocked';
  readonly code = 'ELOCKED';

  constructor(
    readonly directory: string,
    /** Who: `pid 4711 on host`. */
    readonly holder: string,
  ) {
    super(`the data directory ${directory} is in use by ${holder}`);
  }
}

export interface DirectoryLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Takes a directory for this process alone, until released or dead. Throws {@link DataDirectoryLocked}. */
export function lockDirectory(directory: string): Promise<DirectoryLock> {
  return Promise.reject(new DataDirectoryLocked(directory, 'nobody: not built yet'));
}
