process.stdout.write('Parley\n');
