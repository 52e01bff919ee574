<?php
// Asks PHP-FPM for a page as a web server does: one FastCGI request of index.php, its answer as it comes.
$record = fn(int $type, string $body) => pack('CCnnCC', 1, $type, 1, strlen($body), 0, 0) . $body;
$pair = fn(string $name, string $value) => pack('N', strlen($name) | 0x80000000) . pack('N', strlen($value) | 0x80000000) . $name . $value;
$parameters = '';
foreach (['REQUEST_METHOD' => 'GET', 'SCRIPT_FILENAME' => '/var/www/html/public/index.php', 'SCRIPT_NAME' => '/'] as $name => $value) {
    $parameters .= $pair($name, $value);
}
$socket = stream_socket_client('tcp://127.0.0.1:9000', $code, $message, 5) ?: exit(1);
fwrite($socket, $record(1, pack('nC6', 1, 0, 0, 0, 0, 0, 0)) . $record(4, $parameters) . $record(4, '') . $record(5, ''));
echo stream_get_contents($socket);
