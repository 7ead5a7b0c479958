import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Config } from '#platform';
import { DiskFileStore } from './disk-file-store.js';
import { FileLinks } from './file-links.js';
import { FileStore } from './file-store.js';
import { FileSweep } from './file-sweep.js';
import { Files } from './files.service.js';
import { PublicFilesController } from './public-files.controller.js';

/** Files that messages carry. Global: every room above may name one. Needs `PlatformModule` and `BusModule`. */
@Global()
@Module({
  controllers: [PublicFilesController],
  providers: [
    Files,
    FileLinks,
    FileSweep,
    {
      provide: FileStore,
      useFactory: (config: Config) => new DiskFileStore(join(config.dataDir, 'files')),
      inject: [Config],
    },
  ],
  exports: [Files, FileLinks],
})
export class FilesModule {}
