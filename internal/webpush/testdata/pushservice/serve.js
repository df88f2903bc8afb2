// Starts the push service on a free port, says which, and ends with its standard input.
const Server = require('web-push-testing/src/server.js');
const {PushApiModel} = require('web-push-testing/src/PushApiModel.js');

const model = new PushApiModel();
const server = new Server(model, 0);
server.startServer();
server._server.on('listening', () => {
  const origin = 'http://localhost:' + server._server.address().port;
  model.notifyUrl = origin + '/notify/';
  console.log('at ' + origin);
});
process.stdin.on('end', () => process.exit(0)).resume();
