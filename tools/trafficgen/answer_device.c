/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of things in homes and factories: UPnP (SSDP), WS-Discovery, CoAP (RFC 7252,
 * 6690), video recorders, cameras, access points, telephone gateways, media servers,
 * serial servers, room controllers and building automation.
 */
#include "answer.h"

void
answer_ssdp(struct payload *b)
{
	static const char *const types[] = {
		"upnp:rootdevice",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"urn:schemas-upnp-org:service:WANIPConnection:1",
		"urn:schemas-upnp-org:service:Layer3Forwarding:1",
	};
	const char *type = types[payload_pick(b, 0, 3)];
	const unsigned int id = (unsigned int)payload_pick(b, 0, 0xffff);

	payload_print(b,
	              "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: %s\r\n"
	              "USN: uuid:fc4ec57e-b051-11db-88f8-0060085d%04x::%s\r\nEXT:\r\n"
	              "SERVER: Linux/2.6.30 UPnP/1.0 MiniUPnPd/1.5\r\n"
	              "LOCATION: http://192.168.1.1:%u/rootDesc.xml\r\n\r\n",
	              type, id, type, (unsigned int)payload_pick(b, 1024, 65535));
}

void
answer_wsd(struct payload *b)
{
	const unsigned int device = (unsigned int)payload_pick(b, 0, 0xffffff);

	payload_text(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope "
	                "xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\" "
	                "xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
	                "xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" "
	                "xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\">"
	                "<SOAP-ENV:Header><wsa:To>http://schemas.xmlsoap.org/ws/2004/08/"
	                "addressing/role/anonymous</wsa:To><wsa:Action>http://schemas."
	                "xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action>");
	payload_print(b,
	              "<wsa:RelatesTo>uuid:%08x-0000-4000-8000-000000%06x"
	              "</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body>"
	              "<d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>"
	              "urn:uuid:1419d68a-1dd2-11b2-a105-000000%06x</wsa:Address>"
	              "</wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter"
	              "</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder "
	              "onvif://www.onvif.org/location/country/any onvif://www.onvif.org/"
	              "name/IPCAM</d:Scopes><d:XAddrs>http://192.168.1.64/onvif/"
	              "device_service</d:XAddrs><d:MetadataVersion>10</d:MetadataVersion>"
	              "</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body>"
	              "</SOAP-ENV:Envelope>",
	              (uint32_t)prng_next(b->prng), device, device);
}

void
answer_coap(struct payload *b)
{
	static const char *const links[] = {
		"</.well-known/core>;ct=40,",
		"</sensors/temp>;rt=\"temperature-c\";if=\"sensor\",",
		"</sensors/light>;rt=\"light-lux\";if=\"sensor\",",
		"</qlink/ack>;title=\"Qlink-ACK\",",
		"</qlink/request>;title=\"Qlink-Request\",",
		"</device/inform/boot>;ct=0,",
		"</device/inform/offline>;ct=0,",
		"</device/cmd/reboot>;ct=0,",
	};
	const unsigned int count = (unsigned int)payload_pick(b, 8, 24);

	payload_8(b, 0x60); /* an acknowledgement that carries 2.05 Content */
	payload_8(b, 0x45);
	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_8(b, 0xc1); /* the format is links */
	payload_8(b, 40);
	payload_8(b, 0xff);
	for (unsigned int i = 0; i < count; i++)
		payload_text(b, links[i % 8]);
	b->len--;
}

void
answer_dvr(struct payload *b)
{
	static const char head[32] = { 0x20, 0, 0, 0, 'D', 'H', 'I', 'P' };
	const size_t at = b->len;

	/* A head of 32 bytes with the length twice, the low byte first, then JSON. */
	payload_bytes(b, head, sizeof(head));
	payload_print(b,
	              "{ \"mac\" : \"3c:ef:8c:%02x:%02x:%02x\", \"method\" : "
	              "\"client.notifyDevInfo\", \"params\" : { \"deviceInfo\" : { "
	              "\"AlarmInputChannels\" : 16, \"AlarmOutputChannels\" : 6, "
	              "\"DeviceClass\" : \"HCVR\", \"DeviceType\" : \"DHI-HCVR5116H\", "
	              "\"HttpPort\" : 80, \"IPv4Address\" : { \"DefaultGateway\" : "
	              "\"192.168.1.1\", \"DhcpEnable\" : false, \"IPAddress\" : "
	              "\"192.168.1.108\", \"SubnetMask\" : \"255.255.255.0\" }, "
	              "\"MachineName\" : \"HCVR\", \"Manufacturer\" : \"General\", "
	              "\"Port\" : 37777, \"RemoteVideoInputChannels\" : 0, "
	              "\"SerialNo\" : \"2H03FB0PA%06u\", \"Vendor\" : \"General\", "
	              "\"Version\" : \"3.210.1.5\", \"VideoInputChannels\" : 16, "
	              "\"VideoOutputChannels\" : 0 } } }\n",
	              (unsigned int)payload_pick(b, 0, 255),
	              (unsigned int)payload_pick(b, 0, 255),
	              (unsigned int)payload_pick(b, 0, 255),
	              (unsigned int)payload_pick(b, 0, 999999));
	for (unsigned int i = 0; i < 2; i++) {
		b->bytes[at + 16 + 8 * i] = (uint8_t)(b->len - at - 32);
		b->bytes[at + 17 + 8 * i] = (uint8_t)((b->len - at - 32) >> 8);
	}
}

void
answer_sadp(struct payload *b)
{
	payload_print(b,
	              "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\r\n<ProbeMatch>\r\n"
	              "<Uuid>%08X-0000-1000-8000-001122334455</Uuid>\r\n"
	              "<Types>inquiry</Types>\r\n<DeviceType>2209</DeviceType>\r\n"
	              "<DeviceDescription>DS-2CD2042WD-I</DeviceDescription>\r\n"
	              "<DeviceSN>DS-2CD2042WD-I%u</DeviceSN>\r\n<CommandPort>8000"
	              "</CommandPort>\r\n<HttpPort>80</HttpPort>\r\n<IPv4Address>"
	              "192.168.1.64</IPv4Address>\r\n<DHCP>false</DHCP>\r\n"
	              "<SoftwareVersion>V5.4.5build 170124</SoftwareVersion>\r\n"
	              "<Activated>true</Activated>\r\n</ProbeMatch>\r\n",
	              (uint32_t)prng_next(b->prng),
	              (unsigned int)payload_pick(b, 100000000, 999999999));
}

static void
put_tlv(struct payload *b, unsigned int type, const void *value, size_t len)
{
	payload_8(b, type);
	payload_16(b, (unsigned int)len);
	payload_bytes(b, value, len);
}

void
answer_ubiquiti(struct payload *b)
{
	uint8_t station[10];

	/* Discovery: address, firmware, uptime, name, model, network. */
	payload_32(b, 0x01000000);
	prng_fill(b->prng, station, sizeof(station));
	put_tlv(b, 0x02, station, 10);
	put_tlv(b, 0x01, station, 6);
	put_tlv(b, 0x0a, station + 6, 4);
	put_tlv(b, 0x0b, "roof-north", 10);
	put_tlv(b, 0x0c, "LM5", 3);
	put_tlv(b, 0x0d, "backhaul-5GHz", 13);
	put_tlv(b, 0x0e, "\2", 1);
	put_tlv(b, 0x03, "XW.ar934x.v5.6.5.29033.160515.2119", 34);
	put_tlv(b, 0x14, "NanoStation Loco M5", 19);
	payload_set16(b, 2, (unsigned int)(b->len - 4));
}

void
answer_tp240(struct payload *b)
{
	/* Two datagrams answer each turn of the counter of a test that never ends. */
	if (payload_pick(b, 0, 1) == 0)
		payload_print(b, "call.stgi: counter %u of 4294967295 done\n",
		              (uint32_t)prng_next(b->prng));
	else
		payload_print(b,
		              "tp240dvr: channel %u: event STGI: seq %u; status idle; "
		              "buffers 128/128; result OK, drops 0, late 0\n",
		              (unsigned int)payload_pick(b, 0, 127),
		              (uint32_t)prng_next(b->prng));
	payload_8(b, 0);
}

void
answer_plex(struct payload *b)
{
	payload_print(b,
	              "HTTP/1.0 200 OK\r\nContent-Type: plex/media-server\r\n"
	              "Name: livingroom\r\nPort: 32400\r\nResource-Identifier: "
	              "%016llx%016llx\r\nUpdated-At: %u\r\nVersion: 1.21.2.3943\r\n\r\n",
	              (unsigned long long)prng_next(b->prng),
	              (unsigned long long)prng_next(b->prng),
	              (unsigned int)payload_pick(b, 1600000000, 1700000000));
}

void
answer_digiman(struct payload *b)
{
	payload_text(b, "DIGI");
	payload_16(b, 2);
	payload_16(b, 100);
	payload_8(b, 1);
	payload_8(b, 6);
	payload_random(b, 6);
	payload_8(b, 2);
	payload_8(b, 4);
	payload_bytes(b, "\300\250\1\5", 4);
	payload_8(b, 13);
	payload_8(b, 22);
	payload_text(b, "Digi Connect ME (v2.0)");
	payload_repeat(b, 0, 108 - b->len);
}

void
answer_lantronix(struct payload *b)
{
	/* The setup record of a serial server: 124 bytes. */
	payload_32(b, 0x000000f9);
	payload_random(b, 4);
	payload_repeat(b, 0, 100);
	payload_bytes(b, "\0\0X9", 4);
	payload_random(b, 4);
	payload_repeat(b, 0xff, 124 - b->len);
}

void
answer_crestron(struct payload *b)
{
	static const char name[] = "MC3-BOARDROOM";
	static const char text[] =
		"MC3 [v1.501.2867.28358 (Nov 14 2016), #00654321] @E-00107f";

	payload_32(b, 0x15000000);
	payload_16(b, 0x0104);
	payload_32(b, 0x03000000);
	payload_text(b, name);
	payload_repeat(b, 0, 266 - b->len);
	payload_text(b, text);
	payload_repeat(b, 0, 394 - b->len);
}

void
answer_bacnet(struct payload *b)
{
	/* I-Am: device, largest message, segmentation, vendor (ASHRAE 135, 16.10). */
	payload_32(b, 0x810a0000);
	payload_16(b, 0x0100);
	payload_16(b, 0x1000);
	payload_8(b, 0xc4);
	payload_32(b, 0x02000000 | (uint32_t)payload_pick(b, 1, 0x3fffff));
	payload_bytes(b, "\42\5\304\221\3\41\20", 7);
	payload_set16(b, 2, (unsigned int)b->len);
}
